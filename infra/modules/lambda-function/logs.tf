# Lambda would make the group by itself, without an end to its log, once the function ran before this was there.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:CloudWatch Logs encrypts by its own key, and log_kms_key names another one where it must be yours
  #checkov:skip=CKV_AWS_338:log_retention_days is a year unless the caller says otherwise
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key
  skip_destroy      = var.keep_log
}
