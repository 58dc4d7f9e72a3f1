// A Swedish shop on Vendure, in memory, for Samklang's tests. Everything is given by the environment:
//   PORT, ADMIN_USER, ADMIN_PASSWORD   where it listens, who may administer it
//   WEBHOOK_URL, WEBHOOK_SECRET        where order and stock events are posted (optional), and what signs them
// Ends when its standard input closes. Prints one line, "samklang-test-shop ready", when the shop can take orders.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {
    bootstrap, ChannelService, DefaultLogger, dummyPaymentHandler, EventBus, LanguageCode, LogLevel, OrderStateTransitionEvent,
    GlobalSettingsService, PluginCommonModule, RequestContext, StockMovementEvent, VendurePlugin,
} = require('@vendure/core');
const { populateInitialData } = require('@vendure/core/cli');

const { PORT, ADMIN_USER, ADMIN_PASSWORD, WEBHOOK_URL, WEBHOOK_SECRET = '' } = process.env;

// Vendure has no webhooks of its own: this posts events after their transaction is committed, in order, with
// X-Samklang-Signature = HMAC-SHA256 of the body in hex. An unreachable receiver is logged, never waited for.
class WebhookPlugin {
    constructor(eventBus) {
        this.eventBus = eventBus;
        this.last = Promise.resolve();
    }
    onApplicationBootstrap() {
        if (!WEBHOOK_URL) return;
        this.eventBus.ofType(OrderStateTransitionEvent).subscribe(event => this.post('order', {
            id: String(event.order.id), code: event.order.code, from: event.fromState, to: event.toState,
        }));
        this.eventBus.ofType(StockMovementEvent).subscribe(event => this.post('stock', {
            kind: event.type, variants: event.stockMovements.map(move => String(move.productVariant?.id ?? move.productVariantId)),
        }));
    }
    post(topic, data) {
        const body = JSON.stringify({ id: crypto.randomUUID(), topic, at: new Date().toISOString(), data });
        const signature = crypto.createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex');
        const headers = { 'content-type': 'application/json', 'x-samklang-topic': topic, 'x-samklang-signature': signature };
        this.last = this.last
            .then(() => fetch(WEBHOOK_URL, { method: 'POST', body, headers, signal: AbortSignal.timeout(5000) }))
            .catch(error => console.error(`webhook ${topic} not delivered: ${error.message}`));
    }
}
Reflect.defineMetadata('design:paramtypes', [EventBus], WebhookPlugin);
VendurePlugin({ imports: [PluginCommonModule], compatibility: '^3.0.0' })(WebhookPlugin);

const config = {
    apiOptions: { hostname: '127.0.0.1', port: Number(PORT), adminApiPath: 'admin-api', shopApiPath: 'shop-api', cors: false },
    authOptions: { tokenMethod: ['bearer'], superadminCredentials: { identifier: ADMIN_USER, password: ADMIN_PASSWORD } },
    defaultLanguageCode: LanguageCode.sv,
    logger: new DefaultLogger({ level: LogLevel.Error, timestamp: false }),
    dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    importExportOptions: { importAssetsDir: fs.mkdtempSync(path.join(os.tmpdir(), 'samklang-test-shop-')) },
    plugins: [WebhookPlugin],
};

const initialData = {
    defaultLanguage: LanguageCode.sv,
    defaultZone: 'Norden',
    countries: [
        { code: 'SE', name: 'Sverige', zone: 'Norden' },
        { code: 'NO', name: 'Norge', zone: 'Norden' },
        { code: 'FI', name: 'Finland', zone: 'Norden' },
        { code: 'DK', name: 'Danmark', zone: 'Norden' },
    ],
    taxRates: [
        { name: 'Moms 25', percentage: 25 },
        { name: 'Moms 12', percentage: 12 },
        { name: 'Moms 6', percentage: 6 },
    ],
    // 49.00 kr with VAT: the freight that the tests expect.
    shippingMethods: [{ name: 'PostNord Ombud', price: 4900, taxRate: 25 }, { name: 'Hämta i butik', price: 0, taxRate: 25 }],
    paymentMethods: [
        { name: 'Kort', handler: { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'false' }] } },
        { name: 'Swish', handler: { code: dummyPaymentHandler.code, arguments: [{ name: 'automaticSettle', value: 'true' }] } },
    ],
    collections: [],
};

async function main() {
    const app = await bootstrap(config);
    // The channel first: shipping prices are read as "with tax" or "without" by what the channel says.
    const channels = app.get(ChannelService);
    const channel = await channels.getDefaultChannel();
    const languages = [LanguageCode.sv, LanguageCode.en];
    await app.get(GlobalSettingsService).updateSettings(RequestContext.empty(), { availableLanguages: languages });
    await channels.update(RequestContext.empty(), {
        id: channel.id, defaultLanguageCode: LanguageCode.sv, availableLanguageCodes: languages,
        availableCurrencyCodes: ['SEK'], defaultCurrencyCode: 'SEK', pricesIncludeTax: true,
    });
    await populateInitialData(app, initialData);
    console.log('samklang-test-shop ready');
}

process.stdin.resume().on('end', () => process.exit(0));
main().catch(error => { console.error(error); process.exit(1); });
