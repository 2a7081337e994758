# States, plans and statuses of all roots. States and plans hold secrets.
resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:CloudTrail's data events say who read what, where the caller's trail records them
  #checkov:skip=CKV_AWS_144:A lost state is imported again; a copy elsewhere is for whoever must have one
  #checkov:skip=CKV_AWS_145:The bucket's policy says who reads. The key of a role that may read would have to let in the same ones
  #checkov:skip=CKV2_AWS_62:The pipeline reads what it wrote and waits for no event
  bucket = var.state_bucket
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  # States and plans are small: an upload in parts that is a week old was given up.
  rule {
    id     = "uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # An expired plan becomes an earlier version, which goes a day later: S3 knows no shorter time.
  rule {
    id     = "plans"
    status = "Enabled"

    filter {
      prefix = "plans/"
    }

    expiration {
      days = var.plan_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 1
    }
  }

  # A root that changes once a year has its last good states still: the latest twenty stay.
  rule {
    id     = "states"
    status = "Enabled"

    filter {
      prefix = "state/"
    }

    expiration {
      expired_object_delete_marker = true
    }

    noncurrent_version_expiration {
      noncurrent_days           = var.state_versions_days
      newer_noncurrent_versions = 20
    }
  }

  # A status is written anew each night. A month of them shows since when a root has drifted.
  rule {
    id     = "statuses"
    status = "Enabled"

    filter {
      prefix = "status/"
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  # S3 refuses rules for versions where there are none yet.
  depends_on = [aws_s3_bucket_versioning.state]
}

locals {
  objects_arn = "${local.bucket_arn}/*"

  pipeline = {
    for phase in ["plan", "apply"] : phase => "arn:aws:iam::${var.account_id}:role/banto/pipeline-${phase}-*"
  }

  pipeline_status = [for name in var.home[*] : "arn:aws:iam::${var.account_id}:role/banto/pipeline-status"]

  # The root user may set a bucket's policy whatever the policy says (S3 user guide, "Bucket policies"). So he is no exception here.
  unless = { for name, arns in {
    administrators = sort(var.administrators)
    apply          = concat(sort(var.administrators), [local.pipeline.apply])
    pipeline       = concat(sort(var.administrators), [local.pipeline.plan, local.pipeline.apply], local.pipeline_status)
  } : name => { ArnNotLike = { "aws:PrincipalArn" = arns } } }
}

# All denials: who may do what is allowed by the roles' own policies. They hold for administrators of the hub account, too, and so for
# terraform-plan, whose ReadOnlyAccess would read every root's state, and for terraform-apply.
resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn, local.objects_arn]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      # Only the lifecycle deletes versions, and no policy holds for it.
      {
        Sid       = "VersionsStay"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObjectVersion", "s3:ReplicateDelete", "s3:ReplicateObject"]
        Resource  = local.objects_arn
      },
      {
        Sid       = "OnlyThePipelineAndAdministratorsReadAndWrite"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject"]
        Resource  = local.objects_arn
        Condition = local.unless.pipeline
      },
      {
        Sid       = "NoPlanWritesStates"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:DeleteObject"]
        Resource  = "${local.bucket_arn}/state/*"
        Condition = local.unless.apply
      },
      {
        Sid       = "OnlyAdministratorsSetItUp"
        Effect    = "Deny"
        Principal = "*"
        Action = [
          "s3:DeleteBucket",
          "s3:DeleteBucketPolicy",
          "s3:PutBucketAcl",
          "s3:PutBucketLogging",
          "s3:PutBucketOwnershipControls",
          "s3:PutBucketPolicy",
          "s3:PutBucketPublicAccessBlock",
          "s3:PutBucketVersioning",
          "s3:PutEncryptionConfiguration",
          "s3:PutLifecycleConfiguration",
          "s3:PutReplicationConfiguration",
        ]
        Resource  = local.bucket_arn
        Condition = local.unless.administrators
      },
    ]
  })

  # S3 takes one change of a bucket's access at a time.
  depends_on = [aws_s3_bucket_public_access_block.state, aws_s3_bucket_ownership_controls.state]
}
