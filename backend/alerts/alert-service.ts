import { AlertPublisher, type AlertPublisherOptions } from './alert-publisher.ts';
import { DeliveryService, type DeliveryServiceOptions } from './delivery-service.ts';

export type AlertServiceOptions = Omit<AlertPublisherOptions, 'site' | 'store'> & DeliveryServiceOptions;

/** What leaves the backend about alerts: to the broker, and through channels. What raises them is elsewhere, see `AlertStore.raise`. */
export class AlertService {
  readonly #publisher: AlertPublisher;
  readonly #deliveries: DeliveryService;

  constructor(options: AlertServiceOptions) {
    const { store, name: site } = options.site;
    this.#publisher = new AlertPublisher({ ...options, store, site });
    this.#deliveries = new DeliveryService(options);
  }

  /** Call it before the link is up. */
  listen(): void {
    this.#publisher.listen();
  }

  linkUp(): void {
    this.#publisher.linkUp();
  }

  /** An alert was raised, or has changed: it would be noticed within a second anyway. */
  wake(): void {
    this.#publisher.wake();
    this.#deliveries.wake();
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#publisher.run(signal), this.#deliveries.run(signal)]);
  }
}
