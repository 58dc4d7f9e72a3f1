// Webhooks from Vendure to Samklang. Vendure's core sends none; copy this file into your Vendure project and add
//
//     const { WebhookPlugin } = require('./webhook-plugin');
//     plugins: [ …, WebhookPlugin.init({ url: process.env.SAMKLANG_HOOK_URL, secret: process.env.SAMKLANG_HOOK_SECRET }) ]
//
// with the address of the connection's hooks in Samklang (…/hooks/<tenant>/<connection>) and a secret that you choose and
// also give to the connection. It posts {id, topic, at, data} after the
// transaction is committed, in order, with X-Samklang-Signature = HMAC-SHA256 of the body in hex. A receiver that cannot
// be reached is logged and never waited for: Samklang reads what it missed by itself.
'use strict';

const crypto = require('node:crypto');
const { EventBus, Logger, OrderStateTransitionEvent, PluginCommonModule, StockMovementEvent, VendurePlugin } = require('@vendure/core');

class WebhookPlugin {
    static init(options) {
        WebhookPlugin.options = options;
        return WebhookPlugin;
    }
    constructor(eventBus) {
        this.eventBus = eventBus;
        this.last = Promise.resolve();
    }
    onApplicationBootstrap() {
        this.eventBus.ofType(OrderStateTransitionEvent).subscribe(event => this.post('order', {
            id: String(event.order.id), code: event.order.code, from: event.fromState, to: event.toState,
        }));
        this.eventBus.ofType(StockMovementEvent).subscribe(event => this.post('stock', {
            kind: event.type, variants: event.stockMovements.map(move => String(move.productVariant?.id ?? move.productVariantId)),
        }));
    }
    post(topic, data) {
        const { url, secret } = WebhookPlugin.options;
        const body = JSON.stringify({ id: crypto.randomUUID(), topic, at: new Date().toISOString(), data });
        const signature = crypto.createHmac('sha256', secret).update(body).digest('hex');
        const headers = { 'content-type': 'application/json', 'x-samklang-topic': topic, 'x-samklang-signature': signature };
        this.last = this.last
            .then(() => fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(5000) }))
            .then(answer => { if (!answer.ok) throw new Error(`answered ${answer.status}`); })
            .catch(error => Logger.warn(`${topic} webhook not delivered: ${error.message}`, 'SamklangWebhooks'));
    }
}
Reflect.defineMetadata('design:paramtypes', [EventBus], WebhookPlugin);
VendurePlugin({ imports: [PluginCommonModule], compatibility: '^3.0.0' })(WebhookPlugin);

module.exports = { WebhookPlugin };
