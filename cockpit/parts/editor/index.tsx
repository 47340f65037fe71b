/** What the page loads when somebody opens the settings of a gateway. */
export { SettingsHistory } from './history.tsx';
export { SettingsEditor } from './settings-editor.tsx';
