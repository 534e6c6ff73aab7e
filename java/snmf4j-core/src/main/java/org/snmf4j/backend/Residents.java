package org.snmf4j.backend;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The open data of a backend. A view never outlives what it shows. Guarded by the backend. */
final class Residents {
  private final Set<Resident> open = new LinkedHashSet<>();

  void add(Resident resident) {
    open.add(resident);
  }

  /** Releases the data and its views. */
  void release(Resident resident) {
    for (Resident other : newestFirst()) {
      if (other.isViewOf(resident)) {
        open.remove(other);
        other.release();
      }
    }
    open.remove(resident);
    resident.release();
  }

  void releaseAll() {
    newestFirst().forEach(Resident::release);
    open.clear();
  }

  /** Views before what they show. */
  private List<Resident> newestFirst() {
    List<Resident> all = new ArrayList<>(open);
    Collections.reverse(all);
    return all;
  }
}
