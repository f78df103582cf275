# What vpc-router may do, and the instance profile of the machine that it runs on.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # The same actions as in the README. Describe calls know no resources, so a region is all that they can be held to.
  policy = templatefile("${path.module}/policy.json", {
    partition = data.aws_partition.current.partition
    region    = data.aws_region.current.id
    account   = data.aws_caller_identity.current.account_id
    vpc       = var.vpc_id
  })

  trust_ec2 = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.${data.aws_partition.current.dns_suffix}" }
    }]
  })
}

resource "aws_iam_role" "this" {
  name               = var.name
  description        = "vpc-router: the routes of ${var.vpc_id}"
  assume_role_policy = coalesce(var.assume_role_policy, local.trust_ec2)
  tags               = var.tags
}

resource "aws_iam_role_policy" "this" {
  name   = var.name
  role   = aws_iam_role.this.id
  policy = local.policy
}

resource "aws_iam_instance_profile" "this" {
  count = var.assume_role_policy == null ? 1 : 0
  name  = var.name
  role  = aws_iam_role.this.name
  tags  = var.tags
}
