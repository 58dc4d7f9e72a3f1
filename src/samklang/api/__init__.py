"""What other systems call: webhooks in, health, readiness and metrics. The public REST API comes here too."""
