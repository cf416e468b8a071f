"""Templates of Azure resources, and what `azd` runs before and after it deploys them."""
