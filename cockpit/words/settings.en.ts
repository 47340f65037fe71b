/** A setting of a gateway as people call it. */
type SettingWords = { readonly label: string; readonly unit?: string; readonly help?: string };

/** Settings by their path, without places in lists (`cameras.rate`), where they are not called as their schema does: in English, none. */
export const SETTINGS_EN: Readonly<Record<string, SettingWords>> = {};
