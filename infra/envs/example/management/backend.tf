# The hub's bucket, which the root pipeline makes. S3 itself holds the lock, so that no table is needed. Whose credentials reach it is
# said by `terraform init -backend-config=profile=...`: docs/pipeline.md, "By hand".
terraform {
  backend "s3" {
    bucket       = "example-terraform-state-999988887777"
    key          = "state/management.tfstate"
    region       = "ap-northeast-1"
    encrypt      = true
    use_lockfile = true
  }
}
