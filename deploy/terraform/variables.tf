variable "vpc_id" {
  description = "The VPC whose routes vpc-router keeps."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "Expected the id of a VPC, such as vpc-350d6a51."
  }
}

variable "name" {
  description = "The name of the role, its policy and the instance profile."
  type        = string
  default     = "vpc-router"
}

variable "assume_role_policy" {
  description = "Who may take the role, as JSON, where that is not an EC2 instance: a service account of EKS, say. Then there is no instance profile."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the role and the instance profile."
  type        = map(string)
  default     = {}
}
