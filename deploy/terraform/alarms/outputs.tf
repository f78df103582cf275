output "queue_url" {
  description = "For --alarm-queue-url."
  value       = aws_sqs_queue.changes.url
}

output "alarms" {
  description = "The names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.host : alarm.alarm_name])
}
