variable "instances" {
  description = "The hosts' instances, by a name of yours for each: { router-a = \"i-0123456789abcdef0\" }."
  type        = map(string)

  validation {
    condition     = alltrue([for id in values(var.instances) : can(regex("^i-[0-9a-f]+$", id))])
    error_message = "Expected ids of instances, such as i-0123456789abcdef0."
  }
}

variable "role_name" {
  description = "The role of vpc-router, which the right to read alarms and queue is added to."
  type        = string
  default     = "vpc-router"
}

variable "name" {
  description = "The name of the queue and the rule, and what the names of the alarms begin with."
  type        = string
  default     = "vpc-router-alarms"
}

variable "tags" {
  description = "Tags of the alarms, the queue and the rule."
  type        = map(string)
  default     = {}
}
