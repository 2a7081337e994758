locals {
  cidrs = sort(concat(tolist(var.company_cidrs_v4), tolist(var.company_cidrs_v6)))
}
