//! Safe TensorRT: library, builder, network, parser, config, profiles, logger, progress monitor.
