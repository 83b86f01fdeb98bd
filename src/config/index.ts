export { homeDirectory } from './home.js';
export { type Config, type ConfigSources, loadConfig } from './load.js';
export type { Setting, SettingKind } from './setting.js';
export { SETTINGS, type SettingName } from './settings/index.js';
