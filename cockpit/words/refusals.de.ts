import type { Refusal } from '#protocol/refusals.ts';

const OWN_SOFTWARE = 'Das Gateway selbst ansehen: Sein eigenes Programm sendet so etwas nie.';
const DEPLOY_AGAIN = 'Das Netz mit dieser Version von Blindsight neu ausbringen.';

/** Warum das Backend eine Antwort nicht entschlüsselt, auf Deutsch. */
export const REFUSALS_DE: Readonly<Record<Refusal, { readonly meaning: string; readonly action: string }>> = {
  retained: {
    meaning: 'Eine aufbewahrte Nachricht lag dort, wohin nur frische Antworten gehören.',
    action: 'Herausfinden, wer sie veröffentlicht hat: Gateways lassen Antworten nie aufbewahren.',
  },
  oversized: {
    meaning: 'Die Nachricht ist größer, als eine Antwort sein kann.',
    action:
      'Auf beiden Seiten dieselbe Version von Blindsight betreiben; nach einem anderen Programm suchen, das dort sendet.',
  },
  'inbox-full': {
    meaning: 'Zu viele Antworten dieses Gateways warten schon; es sendet diese noch einmal.',
    action: 'Nichts, wenn es vorübergeht; sonst die Rate seiner Kameras senken.',
  },
  'site-full': {
    meaning: 'Zu viele Antworten aller Gateways warten schon; die Antwort wird noch einmal gesendet.',
    action:
      'Nichts, wenn es vorübergeht; sonst die Rate der Kameras senken oder dem Backend eine schnellere Maschine geben.',
  },
  'disk-full': {
    meaning: 'Die Platte des Backends ist fast voll; die Antwort wird noch einmal gesendet.',
    action: 'Auf der Platte des Backends Platz schaffen.',
  },
  malformed: { meaning: 'Die Nachricht ist gar keine Antwort.', action: OWN_SOFTWARE },
  version: {
    meaning: 'Die Antwort stammt von einer anderen Version von Blindsight.',
    action: 'Das Backend vor den Gateways aktualisieren.',
  },
  'unknown-gateway': {
    meaning: 'Der Absender ist kein angemeldetes Gateway.',
    action: 'Es mit `blindsight gateway enrol` anmelden, oder herausfinden, wer da sendet.',
  },
  signature: {
    meaning: 'Die Signatur ist nicht die des Gateways.',
    action:
      'Nach einem zweiten Absender unter seinem Namen suchen; das Gateway neu anmelden, wenn sein Schlüssel ersetzt wurde.',
  },
  replaced: {
    meaning: 'Die Antwort hat ein Gerät signiert, an dessen Stelle ein anderes getreten ist.',
    action:
      'Das alte Gerät ausschalten. Ist es nicht greifbar, braucht Mosquitto die neue Liste der gesperrten Zertifikate.',
  },
  topic: {
    meaning: 'Die Antwort kam unter dem Namen eines anderen Gateways oder einer anderen Kamera.',
    action: OWN_SOFTWARE,
  },
  site: {
    meaning: 'Die Antwort gilt einer anderen Anlage.',
    action: 'Das Gateway bei dieser Anlage anmelden.',
  },
  camera: {
    meaning:
      'Die Kamera gehört einem anderen Gateway, oder dieses hat schon so viele Kameras, wie es haben darf.',
    action:
      'Die Kamera in agent.yaml anders nennen, oder sagen, wem sie gehört: `blindsight camera assign NAME GATEWAY`.',
  },
  'held-full': {
    meaning:
      'Ein Gateway in Quarantäne hat mehr gesendet, als aufbewahrt wird; die ältesten Antworten wurden verworfen.',
    action: 'Herausfinden, warum es in Quarantäne ist, dann `blindsight gateway release NAME` ausführen.',
  },
  discarded: {
    meaning: 'Die aufbewahrten Antworten eines Gateways in Quarantäne wurden verworfen.',
    action: 'Nichts: Das wurde hier so entschieden.',
  },
  model: {
    meaning: 'Das Netz der Antwort wurde auf dieses Gateway nie ausgebracht.',
    action: 'Es mit `blindsight deploy` ausbringen, oder das Gateway selbst ansehen.',
  },
  retired: {
    meaning: 'Das Netz der Antwort ist ausgemustert, und seine Frist ist um.',
    action:
      'Ein anderes Netz auf das Gateway ausbringen; `blindsight model reinstate NAME` nimmt es wieder in Dienst.',
  },
  superseded: {
    meaning:
      'Die Antwort stammt aus einer früheren Ausgabe, und das Gateway meldet eine spätere schon länger als aktiv, als Antworten früherer angenommen werden (`answers.formerReleaseHours`).',
    action:
      'Das Gateway selbst ansehen: Nach dieser Zeit hat sein eigenes Programm keine solche Antwort mehr.',
  },
  replayed: {
    meaning:
      'Eine andere Antwort mit dieser Nummer wurde schon verarbeitet, oder dieselbe Antwort zum selben Zeitpunkt unter einer anderen Nummer.',
    action:
      'Wurde der Datenordner des Gateways zurückgesetzt, ihn wiederherstellen; wenn nicht, nach einer Kopie des Gateways suchen.',
  },
  stale: {
    meaning: 'Die Antwort ist älter, als das Backend zurückdenkt.',
    action: 'Nichts, nach einem langen Ausfall; sonst nach einer Kopie des Gateways suchen.',
  },
  future: {
    meaning: 'Das Bild ist mehr als zwei Minuten in die Zukunft datiert.',
    action: 'Die Uhr des Gateways stellen: So datierte Antworten gehen verloren.',
  },
  'too-old': {
    meaning:
      'Das Bild ist auf eine Zeit vor der Anmeldung des Gateways datiert, oder länger zurück, als Antworten warten dürfen (`answers.maxAgeHours`).',
    action: 'Die Uhr des Gateways stellen, die wohl nachgeht.',
  },
  'too-many': {
    meaning:
      'Die Kamera antwortet öfter, als sie darf: nach den Einstellungen, die ihr Gateway bekommen hat, sonst nach `answers.perCameraPerSecond`.',
    action: 'Die Grenze anheben, wenn die Bilder so schnell kommen sollen, oder die Einstellungen senden.',
  },
  unauditable: {
    meaning: 'Die Antwort kommt vom Referenz-Interpreter, und keine Prüfung kann eine solche öffnen.',
    action:
      'Auf dem Gateway `inference.interpreter: engine` setzen, oder hier `audit.acceptReference: true` und auf seine Prüfung verzichten.',
  },
  size: {
    meaning: 'Das Chiffrat ist nicht so lang wie eine Antwort dieses Netzes.',
    action: DEPLOY_AGAIN,
  },
  regions: {
    meaning: 'Die Antwort nennt mehr Bereiche, als dieses Netz auf einmal beantwortet.',
    action: DEPLOY_AGAIN,
  },
  ciphertext: {
    meaning: 'Das Chiffrat hat nicht Form, Stufe, Maßstab oder Größe einer Antwort.',
    action: DEPLOY_AGAIN,
  },
};
