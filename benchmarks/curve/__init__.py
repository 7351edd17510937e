"""The learning curve: how good a forecaster is, and its peers are, from fifty rows on, also on data unlike those it was made on."""
