"""What conversations cost: prices, the book on the disk, and what is told of it."""
