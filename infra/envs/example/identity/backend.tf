# A bucket of the account's own. S3 itself holds the lock, so that no table is needed.
terraform {
  backend "s3" {
    bucket       = "example-terraform-state-111122223333"
    key          = "banto/identity.tfstate"
    region       = "ap-northeast-1"
    encrypt      = true
    use_lockfile = true
  }
}
