import type { SETTINGS_EN } from './settings.en.ts';

const PORT = { label: 'Port', help: 'Auf dem Gateway selbst; 0: ein freier' };

/** Die Einstellungen eines Gateways, auf Deutsch. */
export const SETTINGS_DE: typeof SETTINGS_EN = {
  'cameras.name': { label: 'Name' },
  'cameras.url': { label: 'Adresse', help: 'rtsp://Host[:Port]/Pfad, ohne Benutzer und Passwort' },
  'cameras.enabled': { label: 'In Gebrauch', help: 'Bilder werden aufgenommen und beantwortet' },
  'cameras.network': { label: 'Netz', help: 'Sein Name; fehlt er, antwortet das übliche Netz des Gateways' },
  'cameras.rate': {
    label: 'Rate',
    unit: 'Bilder pro Sekunde',
    help: 'Höchstens; weitere werden ausgelassen',
  },
  'cameras.alone': { label: 'Für sich', help: 'Teilt mit keiner anderen Kamera ein Chiffrat' },
  'cameras.stallSeconds': {
    label: 'Stillstand nach',
    help: 'Ein Stream, der so lange kein Bild bringt, wird neu gestartet',
  },
  inference: { label: 'Auswertung' },
  'inference.interpreter': {
    label: 'Rechenwerk',
    help: 'Dieselben Antworten; reference ist etwa zwanzigmal langsamer',
  },
  'inference.threads': { label: 'Rechenfäden', help: 'So viele teilen sich ein Bild' },
  'inference.memoryMegabytes': {
    label: 'Arbeitsspeicher',
    help: 'Für alle geladenen Netze; üblich ist die Hälfte dessen, was die Maschine hat',
  },
  'inference.shareCiphertexts': {
    label: 'Kameras gemeinsam auswerten',
    help: 'Kameras teilen sich ein Chiffrat, wo ihr Netz für mehrere Bilder geschützt wurde',
  },
  answers: { label: 'Antworten' },
  'answers.togetherSeconds': {
    label: 'Gemeinsam für',
    help: 'So lange warten Antworten höchstens auf weitere, um als eine gesendet und entschlüsselt zu werden; 0: jede geht sofort',
  },
  outbox: { label: 'Ausgang' },
  'outbox.maxMegabytes': {
    label: 'Platz',
    help: 'Was darüber ist, wird verworfen und gezählt, das Älteste zuerst',
  },
  'outbox.maxAgeHours': {
    label: 'Alter',
    help: 'Ältere Antworten werden verworfen und gezählt; auch das Backend hat eine Grenze',
  },
  preview: { label: 'Vorschau' },
  'preview.port': PORT,
  'preview.tokenFile': {
    label: 'Datei mit dem Token',
    help: 'Auf dem Gateway; ohne sie gibt es keine Vorschau',
  },
  metrics: { label: 'Messwerte' },
  'metrics.enabled': {
    label: 'In Gebrauch',
    help: 'Ob das Gateway Überwachungen auf ihm selbst sagt, wie es ihm geht',
  },
  'metrics.port': PORT,
  healthSeconds: { label: 'Bericht alle', help: 'Zwischen zwei Berichten über Last und Zustand' },
  log: { label: 'Protokoll' },
  'log.format': { label: 'Format' },
  'log.level': { label: 'Stufe', help: 'Was geringer ist, wird nicht geschrieben' },
};
