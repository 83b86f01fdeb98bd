export { NOTIFY_TEMPLATES, type NotifyTemplate } from './message.js';
export { NOTICES, type Notice, type NoticeKind } from './notice.js';
export { type WebhookDeps, WebhookNotifier, type WebhookOptions } from './webhook-notifier.js';
