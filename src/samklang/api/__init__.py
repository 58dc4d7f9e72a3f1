"""What other systems call: webhooks in, health and readiness. The public REST API comes here too."""
