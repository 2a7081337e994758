data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name               = local.role_name
  path               = var.role_path
  description        = "The function ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

# The function's own permissions stand as they were rendered, so that they can be compared with the calls that it makes.
resource "aws_iam_role_policy" "own" {
  name   = "own"
  role   = aws_iam_role.this.name
  policy = var.policy
}

data "aws_iam_policy_document" "common" {
  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:log-stream:*"]
  }

  # Lambda sends to the destination by the function's role (Lambda developer guide, "Capturing records of Lambda asynchronous invocations").
  dynamic "statement" {
    for_each = aws_sqs_queue.failed
    content {
      sid       = "KeepWhatFailed"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value.arn]
    }
  }
}

resource "aws_iam_role_policy" "common" {
  name   = "common"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.common.json
}
