export { NOTIFY_TEMPLATES, type NotifyTemplate } from './message.js';
export { NOTICES, type Notice } from './notice.js';
export { WebhookNotifier } from './webhook-notifier.js';
