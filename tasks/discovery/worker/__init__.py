"""Discovers Cloudflare Workers: their wrangler files, variables, targets and deploys."""
