import type { Rule, RuleView } from '#protocol/rule.ts';
import type { Database } from './database.ts';
import { SettingStore } from './settings.ts';

type Row = { name: string; rule: string; changed_ms: number; author: string; revision: number };

/** A rule, with a number that no other version of any rule has. */
export type RuleRecord = { readonly rule: Rule; readonly revision: number };

/** How far a rule has come with one of its subjects, in a form that only its writer knows. */
export type RuleProgress = {
  readonly rule: string;
  readonly revision: number;
  readonly subject: string;
  readonly state: unknown;
};

/** Rules, and how far each has come. */
export class RuleStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** By name. */
  async list(): Promise<RuleView[]> {
    return (await this.#rows()).map(({ rule, changed_ms, author }) => ({
      ...(JSON.parse(rule) as Rule),
      changed: new Date(changed_ms).toISOString(),
      author,
    }));
  }

  /** Those that count. */
  async enabled(): Promise<RuleRecord[]> {
    return (await this.#rows())
      .map(({ rule, revision }) => ({ rule: JSON.parse(rule) as Rule, revision }))
      .filter(({ rule }) => rule.enabled);
  }

  async get(name: string): Promise<RuleView | null> {
    return (await this.list()).find((rule) => rule.name === name) ?? null;
  }

  /** Adds a rule, or replaces the one of its name. */
  async put(rule: Rule, author: string, atMs: number): Promise<void> {
    const revision = await new SettingStore(this.#database).next('rules.revision');
    await this.#database.run(
      `INSERT INTO rules (name, rule, changed_ms, author, revision) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, changed_ms = excluded.changed_ms,
         author = excluded.author, revision = excluded.revision`,
      ...[rule.name, JSON.stringify(rule), atMs, author, revision],
    );
  }

  /** @returns false where there is none. */
  async remove(name: string): Promise<boolean> {
    return (await this.#database.run('DELETE FROM rules WHERE name = ?', name)) === 1;
  }

  async progress(): Promise<RuleProgress[]> {
    const rows = await this.#database.all<RuleProgress & { readonly state: string }>(
      'SELECT * FROM rule_progress ORDER BY revision, subject',
    );
    return rows.map((row) => ({ ...row, state: JSON.parse(row.state) as unknown }));
  }

  async putProgress({ rule, revision, subject, state }: RuleProgress): Promise<void> {
    await this.#database.run(
      `INSERT INTO rule_progress (rule, revision, subject, state) VALUES (?, ?, ?, ?)
       ON CONFLICT (revision, subject) DO UPDATE SET state = excluded.state`,
      ...[rule, revision, subject, JSON.stringify(state)],
    );
  }

  async removeProgress(revision: number, subject: string): Promise<void> {
    await this.#database.run(
      'DELETE FROM rule_progress WHERE revision = ? AND subject = ?',
      ...[revision, subject],
    );
  }

  async #rows(): Promise<Row[]> {
    return this.#database.all<Row>('SELECT * FROM rules ORDER BY name');
  }
}
