"""What a run would find here: its secrets, its engine, and the programs that it needs. Nothing is run or installed."""
