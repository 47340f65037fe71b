/** The sign of the house: an eye that is closed. Decorative. */
export function ClosedEye() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M3 10c2.4 3.6 5.4 5.4 9 5.4s6.6-1.8 9-5.4M12 15.4v3.4M6.6 13.6l-1.9 2.8M17.4 13.6l1.9 2.8" />
    </svg>
  );
}

export function Lock() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M6.5 10.8h11a1.2 1.2 0 0 1 1.2 1.2v6.6a1.2 1.2 0 0 1-1.2 1.2h-11a1.2 1.2 0 0 1-1.2-1.2V12a1.2 1.2 0 0 1 1.2-1.2ZM8.2 10.8V8a3.8 3.8 0 0 1 7.6 0v2.8" />
    </svg>
  );
}

export function Sun() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="4" />
      <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4" />
    </svg>
  );
}

export function Moon() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M19.6 14.2A8 8 0 0 1 9.8 4.4a8 8 0 1 0 9.8 9.8Z" />
    </svg>
  );
}
