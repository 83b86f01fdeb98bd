export { configText } from './config-text.js';
export { homeDirectory, stateHome } from './home.js';
export { type Config, loadConfig, misspeltVariables } from './load.js';
export { LONGEST_WAIT_SECONDS } from './longest-wait.js';
export { nearest } from './nearest.js';
export type { Setting } from './setting.js';
export { SETTING_GROUPS, SETTINGS, type SettingName } from './settings/index.js';
