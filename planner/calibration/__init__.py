"""Every fit there is: forms with bounds and priors, folds by group, and the profile that a fit writes."""
