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
import { DueReceiptStore } from './due-receipts.ts';
import { FeedStore } from './feed.ts';
import { FloorStore } from './floors.ts';
import { GatewayStore } from './gateways.ts';
import { HeardStore } from './heard.ts';
import { HeldStore } from './held.ts';
import { InboxStore } from './inbox.ts';
import { InvitationStore } from './invitations.ts';
import { JournalStore } from './journal.ts';
import { LateCameras } from './late-cameras.ts';
import { LateChallenges } from './late-challenges.ts';
import { LateCounters } from './late-counters.ts';
import { LateFeed } from './late-feed.ts';
import { LateGateways } from './late-gateways.ts';
import { LateLeaks } from './late-leaks.ts';
import { LatePublications } from './late-publications.ts';
import { LateResults } from './late-results.ts';
import { LeakStore } from './leaks.ts';
import { LeaseStore } from './leases.ts';
import { ModelStore } from './models.ts';
import type { Inbox, OutsideInbox } from './outside-inbox.ts';
import { PartitionMissing } from './partition-missing.ts';
import { PeopleStore } from './people.ts';
import { PlaceTaken } from './place-taken.ts';
import { ProtectionStore } from './protections.ts';
import { PublicationStore } from './publications.ts';
import { RecordedEventStore } from './recorded-events.ts';
import { ResultPartitions } from './result-partitions.ts';
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

/** What is written at the end of the transaction that it is in. */
type Late = {
  readonly counters?: CounterStore;
  readonly publications?: PublicationStore;
  readonly results?: ResultStore;
  readonly gateways?: GatewayStore;
  readonly cameras?: CameraStore;
  readonly challenges?: ChallengeStore;
  readonly leaks?: LeakStore;
  readonly feed?: FeedStore;
};

type Written = { readonly [Part in keyof Late]: Late[Part] & { write(): Promise<void> } };

/** Whose answers are settled; what is known of others is read one by one. */
export type Settled = { readonly gateways: readonly string[]; readonly cameras: readonly string[] };

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
  readonly inbox: Inbox;
  readonly held: HeldStore;
  readonly dueReceipts: DueReceiptStore;
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
  readonly #outside: OutsideInbox | null;
  /** What is to be removed from an inbox outside; null outside of transactions. */
  readonly #removed: number[] | null;

  /**
   * @param database with the schema of `migrate`.
   * @param late what is written at the end of the transaction that it is in
   * @param outside the inbox, where it is not in the database
   */
  constructor(
    database: Database,
    late: Late = {},
    outside: OutsideInbox | null = null,
    removed: number[] | null = null,
  ) {
    this.#database = database;
    this.#late = late;
    this.#outside = outside;
    this.#removed = removed;
    this.settings = new SettingStore(database);
    this.secrets = new SecretStore(database);
    this.models = new ModelStore(database);
    this.protections = new ProtectionStore(database);
    this.gateways = late.gateways ?? new GatewayStore(database);
    this.certificates = new CertificateStore(database);
    this.invitations = new InvitationStore(database);
    this.floors = new FloorStore(database);
    this.cameras = late.cameras ?? new CameraStore(database);
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
    this.inbox =
      outside === null
        ? new InboxStore(database)
        : outside.inside(database, (id) => (removed === null ? outside.settled([id]) : removed.push(id)));
    this.held = new HeldStore(database);
    this.dueReceipts = new DueReceiptStore(database);
    this.challenges = late.challenges ?? new ChallengeStore(database);
    this.results = late.results ?? new ResultStore(database);
    this.publications = late.publications ?? new PublicationStore(database);
    this.storedAnswers = new StoredAnswers(database);
    this.feed = late.feed ?? new FeedStore(database);
    this.rollUps = new RollUpStore(database);
    this.counters = late.counters ?? new CounterStore(database);
    this.journal = new JournalStore(database);
    this.leaks = late.leaks ?? new LeakStore(database);
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
    return this.#removing((removed) =>
      this.#database.transaction((inside) => work(new Store(inside, this.#late, this.#outside, removed))),
    );
  }

  /**
   * The same for whoever settles answers, of gateways that nobody else settles any of meanwhile. What is written is written at the end and together, in a few
   * statements however many answers there are; counters and publications last and by one process after the other: so several that settle do not wait
   * for each other longer than that, nor for ever, and whoever sees a publication sees all those with smaller numbers.
   *
   * @param work may be done again, where a place turns out to be taken, or a table to be missing
   */
  async settling<T>(
    work: (store: Store) => Promise<T>,
    { gateways, cameras }: Settled = { gateways: [], cameras: [] },
  ): Promise<T> {
    const together = () =>
      this.#settling(work, (inside) => {
        const moving = new LateGateways(inside, gateways);
        return {
          // As an auditor's verdict locks them: what is counted of a gateway before the gateway itself.
          challenges: new LateChallenges(inside),
          gateways: moving,
          cameras: new LateCameras(inside, cameras),
          results: new LateResults(inside, moving),
          leaks: new LateLeaks(inside),
          feed: new LateFeed(inside),
        };
      });
    try {
      return await together().catch(async (error: unknown) => {
        if (!(error instanceof PartitionMissing)) throw error;
        for (const timeMs of error.times) await new ResultPartitions(this.#database).make(timeMs);
        return together();
      });
    } catch (error) {
      if (!(error instanceof PlaceTaken)) throw error;
      return this.#settling(work, () => ({}));
    }
  }

  #settling<T>(work: (store: Store) => Promise<T>, lateOf: (inside: Database) => Written): Promise<T> {
    return this.#removing((removed) =>
      this.#database.transaction(async (inside) => {
        const late = lateOf(inside);
        const counters = new LateCounters(inside);
        const publications = new LatePublications(inside);
        const all = { ...late, counters, publications };
        const result = await work(new Store(inside, all, this.#outside, removed));
        for (const one of Object.values(late)) await one.write();
        if (inside.dialect.kind === 'postgresql')
          await inside.all(`SELECT pg_advisory_xact_lock(${SETTLING})`);
        await counters.write();
        await publications.write();
        return result;
      }),
    );
  }

  /** Removes from an inbox outside what a transaction removes, once all of it is durable. */
  async #removing<T>(transaction: (removed: number[]) => Promise<T>): Promise<T> {
    const removed: number[] = [];
    const result = await transaction(removed);
    if (this.#removed !== null) this.#removed.push(...removed);
    else if (removed.length > 0) this.#outside?.settled(removed);
    return result;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}
