mod edits;
mod files;
mod like_botocore;
mod lookups;
