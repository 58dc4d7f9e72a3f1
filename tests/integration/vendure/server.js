// A Swedish shop on Vendure, in memory, for Samklang's tests. Everything is given by the environment:
//   PORT, ADMIN_USER, ADMIN_PASSWORD   where it listens, who may administer it
//   WEBHOOK_URL, WEBHOOK_SECRET        where order and stock events are posted (optional), and what signs them
// Ends when its standard input closes. Prints one line, "samklang-test-shop ready", when the shop can take orders.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {
    bootstrap, ChannelService, DefaultLogger, dummyPaymentHandler, GlobalSettingsService, LanguageCode, LogLevel, RequestContext,
} = require('@vendure/core');
const { populateInitialData } = require('@vendure/core/cli');
const { WebhookPlugin } = require('../../../src/samklang/connectors/vendure/webhook-plugin.js');

const { PORT, ADMIN_USER, ADMIN_PASSWORD, WEBHOOK_URL, WEBHOOK_SECRET = '' } = process.env;

const config = {
    apiOptions: { hostname: '127.0.0.1', port: Number(PORT), adminApiPath: 'admin-api', shopApiPath: 'shop-api', cors: false },
    authOptions: { tokenMethod: ['bearer'], superadminCredentials: { identifier: ADMIN_USER, password: ADMIN_PASSWORD } },
    defaultLanguageCode: LanguageCode.sv,
    logger: new DefaultLogger({ level: LogLevel.Error, timestamp: false }),
    dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    importExportOptions: { importAssetsDir: fs.mkdtempSync(path.join(os.tmpdir(), 'samklang-test-shop-')) },
    plugins: WEBHOOK_URL ? [WebhookPlugin.init({ url: WEBHOOK_URL, secret: WEBHOOK_SECRET })] : [],
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
