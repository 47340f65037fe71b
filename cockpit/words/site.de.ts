import { plural } from './plural.ts';
import { REFUSALS_DE } from './refusals.de.ts';
import type { SITE_EN } from './site.en.ts';

/** Von der Anlage im Ganzen, auf Deutsch. */
export const SITE_DE: typeof SITE_EN = {
  notices: {
    since: (moment) => ` (seit ${moment})`,
    trouble: (moment, message) => `Seit ${moment}: ${message}.`,
    broker: (detail) =>
      `Der Broker ist nicht erreichbar (${detail}). Die Gateways bewahren ihre Antworten auf, bis er wieder da ist.`,
    offline: (gateway, since) => `Das Gateway ${gateway} ist nicht verbunden${since}.`,
    twice: (gateway, since) =>
      `Das Gateway ${gateway} läuft zweimal${since}: Zwei Prozesse mit derselben Identität trennen einander immer wieder.`,
    ofGateway: (gateway, text) => `Beim Gateway ${gateway}: ${text}`,
    dropped: (gateway, count) =>
      `Das Gateway ${gateway} hat ${count} Antworten vor dem Senden verloren: Es war zu lange nicht verbunden, oder seine Platte war voll. Wann, steht in seinem Protokoll.`,
    certificate: {
      ofGateway: (name) => `Gateway ${name}`,
      owners: { backend: 'Backend', broker: 'Broker' },
      ends: (whose, isOver, moment) =>
        `Zertifikat (${whose}): ${isOver ? 'abgelaufen' : 'läuft ab'} am ${moment}. Danach ist damit keine Verbindung mehr möglich.`,
      renewsItself: (command) =>
        `Es erneuert sich, solange das Gateway verbunden ist. Gelingt das nicht: ${command} ausführen und die Maschine neu anmelden.`,
      renew: (command, isBackend) =>
        isBackend ? `${command} ausführen und das Backend neu starten.` : `${command} ausführen.`,
    },
    clock: {
      ahead: (gateway, span) => `Die Uhr von Gateway ${gateway} geht gegenüber der des Backends ${span} vor.`,
      behind: (gateway, span) =>
        `Die Uhr von Gateway ${gateway} geht gegenüber der des Backends ${span} nach.`,
      future:
        'Bis sie gestellt ist, werden die Antworten abgewiesen und gehen verloren, denn sie sind auf die Zukunft datiert.',
      dated: 'Bis sie gestellt ist, gilt für die Bilder die Zeit, zu der ihre Antworten eintreffen.',
      older:
        'Bis sie gestellt ist, sehen die Antworten älter aus, als sie sind; was zu alt aussieht, wird abgewiesen und geht verloren.',
      action:
        'Prüfen, welche der beiden falsch geht, und dort die Zeitsynchronisierung einschalten (sudo timedatectl set-ntp true).',
    },
    quarantine: {
      since: (gateway, moment, reason) =>
        `Das Gateway ${gateway} ist seit ${moment} in Quarantäne: ${reason}.`,
      dropped: (count) => ` (${count} ältere mussten verworfen werden)`,
      kept: (count, dropped) => `Seine Antworten werden ungeöffnet aufbewahrt, bisher ${count}${dropped}.`,
      action: (command) =>
        `Ist die Sache geklärt, öffnet „${command}“ sie; mit „--discard“ dahinter werden sie verworfen.`,
    },
    leak: {
      told: (gateway, isHalf) =>
        `Die Antworten von Gateway ${gateway} können ${isHalf ? 'die Hälfte' : 'ein Viertel'} seines Schlüssels jemandem verraten haben, der es beherrscht und sie liest.`,
      audit:
        'Erst die Prüfung einschalten (audit.share), sonst wären neue Schlüssel ebenso bald verbraucht; dann auf der Seite des Gateways neue Schlüssel erzeugen.',
      spent: 'Es bekommt neue Schlüssel; auch auf seiner Seite lassen sich welche erzeugen.',
      later: 'Ist die Hälfte erreicht, bekommt es von selbst neue Schlüssel.',
    },
  },
  withheldReasons: {
    slots: 'eine Antwort ist zu kurz',
    'not-finite': 'eine Antwort enthält Werte, die keine Zahlen sind',
    'not-zero': 'Stellen, die leer sein sollten, waren gefüllt',
    'copies-differ': 'Kopien desselben Werts waren verschieden',
    'out-of-range': 'Werte lagen außerhalb des Bereichs des Netzes',
    'no-logit': 'ein Wert fehlte',
    company: 'das Bild einer anderen Kamera im selben Chiffrat kann sie verdorben haben',
    'no-end': 'die Entschlüsselung wurde nicht fertig',
  },
  login: {
    title: 'Diese Seite ist gesperrt',
    tokenWhere:
      'Das Token steht in den Einstellungen des Backends; wer die Anlage eingerichtet hat, kennt es.',
    accounts: 'Zugänge vergibt, wem die Anlage gehört.',
    token: 'Zugangstoken',
    name: 'Benutzername',
    password: 'Passwort',
    open: 'Seite öffnen',
    opening: 'Wird geöffnet …',
    withPassword: 'Mit Name und Passwort anmelden',
    withToken: 'Mit dem Token der Anlage anmelden',
    tokenFirst: 'Das Token fehlt noch.',
    passwordFirst: 'Name oder Passwort fehlt noch.',
    away: 'Das Backend antwortet nicht. Ein neuer Versuch lohnt sich gleich.',
    wrongToken: 'Das ist nicht das Token dieser Anlage.',
    wrongPassword: 'Name und Passwort passen nicht zusammen.',
    failed: (status) => `Das Backend konnte keine Sitzung öffnen (${status}).`,
    minutes: (count) => `Zu viele Versuche. Der nächste geht in ${plural(count, 'Minute', 'Minuten')}.`,
    seconds: (count) => `Zu viele Versuche. Der nächste geht in ${plural(count, 'Sekunde', 'Sekunden')}.`,
  },
  request: {
    refused: (status) => `das Backend hat es abgelehnt (${status})`,
    away: 'das Backend antwortet nicht; später noch einmal versuchen',
  },
  who: {
    token: 'Token der Anlage',
    logOut: 'Abmelden',
    roles: {
      viewer: 'Einsicht',
      integrator: 'Integration',
      operator: 'Betrieb',
      owner: 'Leitung',
      auditor: 'Revision',
      none: 'ohne Rolle',
    },
  },
  protection: {
    line: 'Gateways rechnen auf verschlüsselten Bildern mit einem verschlüsselten Netz: Sie erfahren weder das Netz noch eine Antwort, und kein lesbares Bild verlässt sie.',
    more: 'Wie das geschützt ist',
    how: 'Jedes Bild wird auf seinem Gateway im Arbeitsspeicher verschlüsselt und dort unter homomorpher Verschlüsselung ausgewertet (CKKS, 128 Bit Sicherheit nach den Richtlinien von 2024), mit Parametern des Netzes, die selbst verschlüsselt sind. Der Broker reicht signierte Umschläge weiter, die er nicht öffnen kann. Nur das Backend dieser Anlage hat die geheimen Schlüssel; es öffnet jede Antwort einmal und zeigt sie gerundet.',
    model: (degree, bits, size, tells) =>
      `Ringgrad ${degree}, Modul ${bits} Bit, Bündel ${size}; Antworten verraten ${tells}`,
    tells: {
      counts: 'Anzahlen',
      places: 'Anzahlen, und wo, auf ein Feld des Plans genau',
      countsOnly: 'nur Anzahlen',
      rounded: (percent) => `Wahrscheinlichkeiten in Schritten von ${percent} %`,
      label: 'nur, was zu sehen ist',
      event: (equal, of) => `nur, wenn sich ändert, was zu sehen ist (${equal} von ${of} gleich)`,
    },
  },
  latencyParts: {
    prepare: 'Vorbereiten',
    encrypt: 'Verschlüsseln',
    evaluate: 'Auswerten',
    transport: 'Übertragen',
    decrypt: 'Entschlüsseln',
    waiting: 'Warten',
  },
  counted: {
    accepted: { name: 'Angenommen', explanation: 'Antworten geöffnet, geprüft und gespeichert.' },
    gaps: {
      name: 'Fehlend',
      explanation: 'Nummern, die ein Gateway übersprang: Antworten, die nie ankamen.',
    },
    duplicates: {
      name: 'Doppelt',
      explanation: 'Zweimal empfangen, einmal gespeichert. Nach einer unterbrochenen Verbindung harmlos.',
    },
    withheld: {
      name: 'Zurückgehalten',
      explanation: 'Ungewöhnliche Bilder: geöffnet, aber nicht verlässlich, darum nie gezeigt.',
    },
    refused: {
      name: 'Abgewiesen',
      explanation:
        'Nie geöffnet: falsche Signatur, falscher Absender, falsches Netz, falsche Größe, oder verworfen.',
    },
    waiting: { name: 'Wartend', explanation: 'Noch auf den Platten der Gateways, um gesendet zu werden.' },
    dropped: {
      name: 'Verworfen',
      explanation: 'Von einem Gateway gelöscht, weil sein Ausgang voll war; die ältesten zuerst.',
    },
    why: 'Warum Antworten abgewiesen wurden',
    quarantined: 'Das Gateway war in Quarantäne.',
  },
  refusals: REFUSALS_DE,
  first: {
    enrol: ['Mit ', ' eines anmelden und bei einer Kamera starten. Es erscheint hier von selbst.'],
    add: [
      'Eine Kamera kommt in die ',
      'Einstellungen',
      ' eines Gateways oder in dessen ',
      '. Sie erscheint, sobald das Gateway sie meldet.',
    ],
  },
};
