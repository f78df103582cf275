# Alarms on the status checks of the hosts, a queue that hears of their changes, and what vpc-router may do with both.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

data "aws_region" "current" {}

resource "aws_cloudwatch_metric_alarm" "host" {
  for_each = var.instances

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.key} (${each.value}) fails EC2's status checks, or is gone"
  namespace           = "AWS/EC2"
  metric_name         = "StatusCheckFailed"
  dimensions          = { InstanceId = each.value }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 2
  # An instance that was terminated sends nothing any more.
  treat_missing_data = "breaching"
  tags               = var.tags
}

# One queue for each daemon: what one takes, another does not get.
resource "aws_sqs_queue" "changes" {
  name = var.name
  # Older changes say nothing that polls have not shown.
  message_retention_seconds  = 300
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = 30
  sqs_managed_sse_enabled    = true
  tags                       = var.tags
}

resource "aws_cloudwatch_event_rule" "changes" {
  name        = var.name
  description = "Changes of the alarms that vpc-router goes by"
  tags        = var.tags
  event_pattern = jsonencode({
    source        = ["aws.cloudwatch"]
    "detail-type" = ["CloudWatch Alarm State Change"]
    detail        = { alarmName = [{ prefix = "${var.name}-" }] }
  })
}

resource "aws_cloudwatch_event_target" "changes" {
  rule = aws_cloudwatch_event_rule.changes.name
  arn  = aws_sqs_queue.changes.arn
}

resource "aws_sqs_queue_policy" "changes" {
  queue_url = aws_sqs_queue.changes.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.changes.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.changes.arn } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = var.name
  role = var.role_name
  policy = templatefile("${path.module}/policy.json", {
    region = data.aws_region.current.id
    queue  = aws_sqs_queue.changes.arn
  })
}
