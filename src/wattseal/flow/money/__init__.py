"""Money: who pays, what is held, posted, billed, invoiced and put right. All of it follows from records."""
