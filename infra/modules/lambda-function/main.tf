data "aws_caller_identity" "this" {}

locals {
  role_name = coalesce(var.role_name, trimprefix(var.name, "banto-"))

  # Resources that are made for a function with schedules, or with a queue of failures, are keyed by one word rather than counted.
  scheduled = length(var.schedules) > 0 ? toset(["schedule"]) : toset([])
  failures  = var.on_failure ? toset(["failed"]) : toset([])

  package = var.package == null ? null : {
    is_there = fileexists(var.package)
    hash     = fileexists(var.package) ? filebase64sha256(var.package) : null
    # `banto package` writes it beside the zip, into which no plan can look.
    architecture = fileexists("${var.package}.architecture") ? trimspace(file("${var.package}.architecture")) : var.architecture
  }
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50:The log tells each step, and a trace would be one more place that holds what the function was told
  #checkov:skip=CKV_AWS_115:Reserved concurrency would throttle what a queue's mapping has received; the mapping's maximum_concurrency sets the pace
  #checkov:skip=CKV_AWS_116:What fails for good goes to the on-failure destination, which has the answer beside the event
  #checkov:skip=CKV_AWS_117:The function calls AWS and Slack only, and a VPC would add a NAT gateway without keeping anybody out
  #checkov:skip=CKV_AWS_173:No environment variable holds a secret
  #checkov:skip=CKV_AWS_272:The zip's hash is in the plan that is reviewed, and the policy in it changes without a build
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn

  # Rust programs bring their own runtime. For it the handler's name means nothing, and is the program's by custom.
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]

  filename          = var.package
  s3_bucket         = try(var.package_s3.bucket, null)
  s3_key            = try(var.package_s3.key, null)
  s3_object_version = try(var.package_s3.version, null)
  source_code_hash  = try(var.package_s3.sha256, local.package.hash)

  memory_size                    = var.memory
  timeout                        = var.timeout
  reserved_concurrent_executions = var.reserved_concurrency

  # The functions write JSON themselves. Lambda's own JSON format would wrap each line once more, and CloudWatch would no longer read their metrics.
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  dynamic "environment" {
    for_each = length(var.environment) > 0 ? toset(["environment"]) : toset([])
    content {
      variables = var.environment
    }
  }

  # An invocation that comes before its permissions would fail, and its log would be lost.
  depends_on = [aws_iam_role_policy.own, aws_iam_role_policy.common]

  lifecycle {
    precondition {
      condition     = try(local.package.is_there, true)
      error_message = "There is no file ${coalesce(var.package, "-")}. `cargo make package` makes the zips of all functions."
    }
    precondition {
      condition     = try(local.package.architecture == var.architecture, true)
      error_message = "${coalesce(var.package, "-")} is for ${try(local.package.architecture, "-")}, and architecture is ${var.architecture}: the function would fail when it is called. Set architecture, or package for the other one."
    }
  }
}

resource "aws_lambda_permission" "this" {
  for_each = var.invokers

  statement_id  = each.key
  function_name = aws_lambda_function.this.function_name
  action        = "lambda:InvokeFunction"
  principal     = each.value
}
