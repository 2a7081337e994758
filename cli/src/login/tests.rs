mod decisions;
mod screens;
mod whole;
