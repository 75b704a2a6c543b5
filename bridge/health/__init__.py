"""What the doctor looks at beside the models: REAPER's side of the chain, the network, and the report to hand on."""
