output "role_arn" {
  description = "The role."
  value       = aws_iam_role.this.arn
}

output "instance_profile" {
  description = "The name of the instance profile, for an instance; null where the role is for somebody else."
  value       = one(aws_iam_instance_profile.this[*].name)
}

output "policy" {
  description = "The policy, as JSON."
  value       = local.policy
}
