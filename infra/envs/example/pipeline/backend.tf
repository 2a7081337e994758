# A bucket of its own, made by hand, and not the one that this root makes: the pipeline reaches none of it. docs/pipeline.md, "Setting it
# up", has the commands.
terraform {
  backend "s3" {
    bucket       = "example-pipeline-state-999988887777"
    key          = "pipeline.tfstate"
    region       = "ap-northeast-1"
    encrypt      = true
    use_lockfile = true
  }
}
