"""One KFP component per stage: each imports the stage's function inside its body and adds nothing to it."""
