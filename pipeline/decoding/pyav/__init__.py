"""The backend PyAV: captures, and what is known of packets, times, tracks and colours."""
