import { AlertStore } from './alerts.ts';
import { AuditStore } from './audit.ts';
import { CameraNameStore } from './camera-names.ts';
import { CameraStore } from './cameras.ts';
import { CertificateStore } from './certificates.ts';
import { ChallengeStore } from './challenges.ts';
import { ChannelStore } from './channels.ts';
import { CommandStore } from './commands.ts';
import { ConfigurationStore } from './configurations.ts';
import { CounterStore } from './counters.ts';
import type { Database } from './database.ts';
import { DeliveryStore } from './deliveries.ts';
import { DeploymentStore } from './deployments.ts';
import { FeedStore } from './feed.ts';
import { FloorStore } from './floors.ts';
import { GatewayStore } from './gateways.ts';
import { HeardStore } from './heard.ts';
import { HeldStore } from './held.ts';
import { InboxStore } from './inbox.ts';
import { InvitationStore } from './invitations.ts';
import { JournalStore } from './journal.ts';
import { LateCounters } from './late-counters.ts';
import { LatePublications } from './late-publications.ts';
import { LeakStore } from './leaks.ts';
import { LeaseStore } from './leases.ts';
import { ModelStore } from './models.ts';
import { PeopleStore } from './people.ts';
import { ProtectionStore } from './protections.ts';
import { PublicationStore } from './publications.ts';
import { RecordedEventStore } from './recorded-events.ts';
import { ResultStore } from './results.ts';
import { RollUpStore } from './roll-ups.ts';
import { RolloutStore } from './rollouts.ts';
import { RuleStore } from './rules.ts';
import { SecretStore } from './secrets.ts';
import { SessionStore } from './sessions.ts';
import { SettingStore } from './settings.ts';
import { SituationStore } from './situations.ts';
import { SoftwareStore } from './software.ts';
import { StoredAnswers } from './stored-answers.ts';
import { TokenStore } from './tokens.ts';
import { ZoneStore } from './zones.ts';

/** Key of PostgreSQL's advisory lock under which the end of a settlement is written. */
const SETTLING = 2021161081;

type Late = { readonly counters?: CounterStore; readonly publications?: PublicationStore };

/** Everything a site stores, by concern. Works over any {@link Database}. */
export class Store {
  readonly settings: SettingStore;
  readonly secrets: SecretStore;
  readonly models: ModelStore;
  readonly protections: ProtectionStore;
  readonly gateways: GatewayStore;
  readonly certificates: CertificateStore;
  readonly invitations: InvitationStore;
  readonly floors: FloorStore;
  readonly cameras: CameraStore;
  readonly zones: ZoneStore;
  readonly cameraNames: CameraNameStore;
  readonly deployments: DeploymentStore;
  readonly configurations: ConfigurationStore;
  readonly rollouts: RolloutStore;
  readonly commands: CommandStore;
  readonly software: SoftwareStore;
  readonly inbox: InboxStore;
  readonly held: HeldStore;
  readonly challenges: ChallengeStore;
  readonly results: ResultStore;
  readonly publications: PublicationStore;
  readonly storedAnswers: StoredAnswers;
  readonly feed: FeedStore;
  readonly rollUps: RollUpStore;
  readonly counters: CounterStore;
  readonly journal: JournalStore;
  readonly leaks: LeakStore;
  readonly leases: LeaseStore;
  readonly heard: HeardStore;
  readonly alerts: AlertStore;
  readonly deliveries: DeliveryStore;
  readonly channels: ChannelStore;
  readonly audit: AuditStore;
  readonly people: PeopleStore;
  readonly sessions: SessionStore;
  readonly tokens: TokenStore;
  readonly recordedEvents: RecordedEventStore;
  readonly rules: RuleStore;
  readonly situations: SituationStore;
  readonly #database: Database;
  readonly #late: Late;

  /**
   * @param database with the schema of `migrate`.
   * @param late what is written at the end of the transaction that it is in
   */
  constructor(database: Database, late: Late = {}) {
    this.#database = database;
    this.#late = late;
    this.settings = new SettingStore(database);
    this.secrets = new SecretStore(database);
    this.models = new ModelStore(database);
    this.protections = new ProtectionStore(database);
    this.gateways = new GatewayStore(database);
    this.certificates = new CertificateStore(database);
    this.invitations = new InvitationStore(database);
    this.floors = new FloorStore(database);
    this.cameras = new CameraStore(database);
    this.zones = new ZoneStore(database);
    this.situations = new SituationStore(database);
    this.rules = new RuleStore(database);
    this.recordedEvents = new RecordedEventStore(database);
    this.cameraNames = new CameraNameStore(database);
    this.deployments = new DeploymentStore(database);
    this.configurations = new ConfigurationStore(database);
    this.rollouts = new RolloutStore(database);
    this.commands = new CommandStore(database);
    this.software = new SoftwareStore(database);
    this.inbox = new InboxStore(database);
    this.held = new HeldStore(database);
    this.challenges = new ChallengeStore(database);
    this.results = new ResultStore(database);
    this.publications = late.publications ?? new PublicationStore(database);
    this.storedAnswers = new StoredAnswers(database);
    this.feed = new FeedStore(database);
    this.rollUps = new RollUpStore(database);
    this.counters = late.counters ?? new CounterStore(database);
    this.journal = new JournalStore(database);
    this.leaks = new LeakStore(database);
    this.leases = new LeaseStore(database);
    this.heard = new HeardStore(database);
    this.alerts = new AlertStore(database);
    this.deliveries = new DeliveryStore(database);
    this.channels = new ChannelStore(database);
    this.audit = new AuditStore(database);
    this.people = new PeopleStore(database);
    this.sessions = new SessionStore(database);
    this.tokens = new TokenStore(database);
  }

  /** Runs `work` with a store whose writes become durable together or not at all. */
  transaction<T>(work: (store: Store) => Promise<T>): Promise<T> {
    return this.#database.transaction((inside) => work(new Store(inside, this.#late)));
  }

  /**
   * The same for whoever settles answers. Counters and publications are written at the end, by one process after the other: so several that settle do not wait
   * for each other longer than that, nor for ever, and whoever sees a publication sees all those with smaller numbers.
   */
  settling<T>(work: (store: Store) => Promise<T>): Promise<T> {
    return this.#database.transaction(async (inside) => {
      const counters = new LateCounters(inside);
      const publications = new LatePublications(inside);
      const result = await work(new Store(inside, { counters, publications }));
      if (inside.dialect.kind === 'postgresql') await inside.all(`SELECT pg_advisory_xact_lock(${SETTLING})`);
      await counters.write();
      await publications.write();
      return result;
    });
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
