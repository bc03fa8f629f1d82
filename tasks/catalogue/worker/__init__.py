"""The rows of Cloudflare Workers, and the services and form behind them."""
