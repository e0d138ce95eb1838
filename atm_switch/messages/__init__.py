"""What the data elements mean: typed requests and responses, laid out as the profile says."""
