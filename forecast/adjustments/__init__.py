"""What is done to draws after networks have made them: intervals stretched, videos moved to other data, young ones shrunken."""
