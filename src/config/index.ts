export { configText } from './config-text.js';
export { homeDirectory } from './home.js';
export { type Config, type ConfigSources, loadConfig, misspeltVariables } from './load.js';
export type { Setting, SettingKind } from './setting.js';
export { SETTINGS, type SettingName } from './settings/index.js';
