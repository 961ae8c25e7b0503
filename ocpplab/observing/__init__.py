"""What web, worker and beat show of themselves; the simulator's part is in `chargers.simulator.host.showing`."""
