"""Where submissions come from. A channel lists what is new and hands over bytes; it decides nothing about them."""
