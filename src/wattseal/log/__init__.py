"""The transparency log, pure: RFC 6962 trees and the C2SP formats (docs/spec/log.md). Bytes in, values out."""
