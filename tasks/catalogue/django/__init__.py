"""The rows of Django projects, and the commands and variables behind them."""
